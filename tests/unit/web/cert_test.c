/* SPDX-License-Identifier: MIT
 * Copyright (c) 2026 The aggd authors
 *
 * DOC: the page's key and certificate: made once, and refused where they are none.
 */
#include "web/cert.h"

#include "agg/base/file.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

static char dir[] = "/tmp/aggd-cert.XXXXXX", path[64], other[64];
static struct addr at[2];

static void own(struct cert *cert)
{
	assert_int_equal(cert_own(dir, at, 2, cert), 0);
}

static void put(const char *to, const char *text, mode_t mode)
{
	struct buf bytes;

	buf_init(&bytes, CERT_BYTES_MAX);
	assert_int_equal(buf_printf(&bytes, "%s", text), 0);
	unlink(to);
	assert_int_equal(file_create(to, buf_head(&bytes), bytes.len, mode), 0);
	buf_finish(&bytes);
}

static void it_is_made_once(void **state)
{
	struct cert first, again;
	struct stat st;

	own(&first);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	own(&again);
	assert_true(cert_equal(&first, &again));
	cert_finish(&again);
	unlink(path);
	own(&again);
	assert_false(cert_equal(&first, &again));
	cert_finish(&first);
	cert_finish(&again);
	cert_finish(&again); /* nothing is fine */
}

static void it_is_for_these_addresses(void **state)
{
	gnutls_datum_t pem;
	gnutls_x509_crt_t crt;
	struct cert cert;

	own(&cert);
	pem = (gnutls_datum_t){ buf_head(&cert.chain), (unsigned)cert.chain.len - 1 };
	assert_int_equal(gnutls_x509_crt_init(&crt), 0);
	assert_int_equal(gnutls_x509_crt_import(crt, &pem, GNUTLS_X509_FMT_PEM), 0);
	assert_true(gnutls_x509_crt_check_hostname(crt, "192.168.1.1"));
	assert_true(gnutls_x509_crt_check_hostname(crt, "2001:db8::1"));
	assert_false(gnutls_x509_crt_check_hostname(crt, "192.168.1.2"));
	assert_int_equal(gnutls_x509_crt_get_version(crt), 3);
	assert_int_equal(gnutls_x509_crt_get_ca_status(crt, NULL), 0);
	gnutls_x509_crt_deinit(crt);
	cert_finish(&cert);
}

static void what_is_none_is_refused(void **state)
{
	struct cert cert, pair;

	put(path, "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", 0600);
	assert_int_equal(cert_own(dir, at, 2, &cert), -EBADMSG);
	put(path, "", 0600);
	assert_int_equal(cert_own(dir, at, 2, &cert), -EBADMSG);
	assert_int_equal(cert_read("/tmp/nothing-there", path, &cert), -ENOENT);
	unlink(path);
	own(&pair);
	chmod(path, 0644);
	assert_int_equal(cert_own(dir, at, 2, &cert), -EPERM);
	/* The key of one, and the certificate of another. */
	chmod(path, 0600);
	assert_int_equal(rename(path, other), 0);
	own(&cert);
	cert_finish(&cert);
	assert_int_equal(cert_read(other, path, &cert), -EBADMSG);
	assert_int_equal(cert_read(other, other, &cert), 0);
	assert_true(cert_equal(&cert, &pair));
	cert_finish(&cert);
	cert_finish(&pair);
}

static int begin(void **state)
{
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/" CERT_FILE, dir);
	snprintf(other, sizeof(other), "%s/other.pem", dir);
	assert_int_equal(addr_parse(&at[0], "192.168.1.1:8080", 0), 0);
	assert_int_equal(addr_parse(&at[1], "[2001:db8::1]:8080", 0), 0);
	return 0;
}

static int finish(void **state)
{
	unlink(path);
	unlink(other);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_made_once),
		cmocka_unit_test(it_is_for_these_addresses),
		cmocka_unit_test(what_is_none_is_refused),
	};

	return cmocka_run_group_tests(tests, begin, finish);
}
