#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""The package for OpenWrt, as far as a Debian can tell: what the
init script tells procd (a stub that writes it down), that the firewall's lines are
nft's, that aggd takes the configuration that comes with it when a person has filled it
in, and that LuCI's views load and show what aggctl says (luci.py: what a person sees of
them).

    package.py ROOT AGGD
"""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT, AGGD = sys.argv[1:3]
FILES = os.path.join(ROOT, "openwrt/aggd/files")
LUCI = os.path.join(ROOT, "openwrt/luci-app-aggd")
VIEWS = os.path.join(LUCI, "htdocs/luci-static/resources/view/aggd")

# OpenWrt's, where it is there.
SHELL = ["busybox", "ash"] if shutil.which("busybox") else ["sh"]

# procd's functions and uci, written down; paths are those of a temporary root.
STUB = r"""
note() { echo "$*"; }
for word in open_instance close_instance set_param add_reload_trigger; do
	word=procd_$word
	eval "$word() { note $word \"\$@\"; }"
done
uci() { [ "$ANSWER" ] && [ "$3" = "$ASKED" ] && echo "$ANSWER"; }
for word in mkdir chown chmod chgrp ln; do eval "$word() { note root: $word \"\$@\"; }"; done
"""

FILLED = """
config concentrator 'vps'
	list endpoint '203.0.113.10:443'
	option pin 'sha256:47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU'
config uplink 'wan'
	option interface 'wan'
config uplink 'lte'
	option device 'wwan0'
config lan
	list interface 'lan'
"""

LUCI_STUB = """
const shown = [];
const element = (tag, attributes, children) => ({ tag, attributes, children });
const chain = () => new Proxy(function () {}, { get: (t, name) => name === 'then' ? undefined
	: chain(), apply: () => chain(), construct: () => chain(), set: () => true });
String.prototype.format = function (...words) { return this.replace(/%s/g, () => words.shift()); };
const fs = { exec: async (program, words) => {
	shown.push([program, ...words].join(' '));
	return { code: 0, stdout: ANSWERS[words[0]] };
} };
const view = { extend: (methods) => methods };
const stubs = { view, fs, E: element, _: (s) => s, poll: { add: () => {} }, dom: chain(),
	ui: { createHandlerFn: (self, fn) => fn, addNotification: () => {} }, form: chain(),
	widgets: chain(), window: chain(), location: chain() };
const made = new Function(...Object.keys(stubs), SOURCE)(...Object.values(stubs));
(async () => {
	const text = made.load ? JSON.stringify(made.render(await made.load())) : '';
	console.log(JSON.stringify({ shown, text }));
})();
"""


def run(argv, **kwargs):
    return subprocess.run(argv, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=60, check=False, **kwargs)


class Package(unittest.TestCase):
    def init(self, asked="", answer=""):
        """OpenWrt's rc.common reloads by start_service, too,
        and stops what procd was told of: then procd must hear the same words."""
        path = os.path.join(FILES, "aggd.init")
        done = run([*SHELL, "-euc", STUB + f'. "{path}"\nstart_service\n'
                    "echo again\nstart_service\nservice_triggers"],
                   env=dict(os.environ, ASKED=asked, ANSWER=answer))
        self.assertEqual(done.returncode, 0, done.stdout)
        lines = done.stdout.splitlines()
        first, again = lines[:lines.index("again")], lines[lines.index("again") + 1:]
        self.assertEqual(first, again[:-1])
        with open(path, encoding="ascii") as file:
            self.assertNotRegex(file.read(), r"(?m)^\s*(reload|stop)(_service)?\(")
        return again

    def test_nothing_runs_before_it_is_set_up(self):
        self.assertEqual(self.init(), ["procd_add_reload_trigger aggd network"])

    def test_instance(self):
        for asked, answer in (("aggd.@concentrator[0]", "concentrator"),
                              ("aggd.main.role", "concentrator"),
                              ("aggd.main.web", "192.168.1.1:8080")):
            lines = self.init(asked, answer)
            self.assertIn("procd_set_param command /usr/sbin/aggd -c /etc/config/aggd", lines)
            self.assertIn("procd_set_param file /etc/config/aggd", lines)
            self.assertIn("procd_set_param reload_signal HUP", lines)
            self.assertIn("procd_set_param no_new_privs 1", lines)
            self.assertIn("procd_set_param user aggd", lines)
            self.assertEqual(lines.count("procd_open_instance"), 1)
            self.assertEqual(lines[-2], "procd_close_instance")
            self.assertIn("root: chmod 0640 /etc/config/aggd", lines)

    def test_a_page_is_enough(self):
        """aggd takes what the init script starts it with before it has joined."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "aggd")
            with open(os.path.join(FILES, "aggd.config"), encoding="ascii") as file:
                text = file.read()
            for more, status in (("\tlist web '192.168.1.1:8080'\n", 0), ("", 2)):
                with open(path, "w", encoding="ascii") as file:
                    file.write(text + more)
                self.assertEqual(run([AGGD, "-t", "-c", path]).returncode, status)

    def test_defaults_touch_nothing_else(self):
        with open(os.path.join(FILES, "aggd.defaults"), encoding="ascii") as file:
            lines = [l for l in file if not l.startswith("#")]
        self.assertNotRegex("".join(lines), r"uci |network|firewall|dhcp")

    def test_defaults_can_run_again(self):
        with open(os.path.join(FILES, "aggd.defaults"), encoding="ascii") as file:
            script = file.read()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "aggd")
            script = script.replace("/etc/config/aggd", path)
            for there in (False, True, True):
                if there:
                    with open(path, "a", encoding="ascii") as file:
                        file.write("# mine\n")
                done = run(["sh", "-c", script])
                self.assertEqual((done.returncode, done.stdout), (0, ""))
            self.assertEqual(os.listdir(folder), ["aggd"])
            with open(path, encoding="ascii") as file:
                self.assertEqual(file.read(), "# mine\n# mine\n")

    def recipe(self):
        with open(os.path.join(ROOT, "openwrt/aggd/Makefile"), encoding="utf-8") as file:
            return file.read()

    def test_every_file_is_installed(self):
        for name in os.listdir(FILES):
            self.assertEqual(len(re.findall(rf"\./files/{re.escape(name)} ", self.recipe())), 1,
                             name)
        for name in re.findall(r"\./files/(\S+)", self.recipe()):
            self.assertTrue(os.path.exists(os.path.join(FILES, name)), name)

    def test_what_is_linked_is_depended_on(self):
        """Whatever the build root happens to have is used only where it is asked for."""
        with open(os.path.join(ROOT, "meson_options.txt"), encoding="utf-8") as file:
            features = set(re.findall(r"option\('(\w+)', type: 'feature'", file.read()))
        flags = dict(re.findall(r"-D(\w+)=(\S+(?: ?\S+\))?)", self.recipe()))
        self.assertLessEqual(features, set(flags))
        for name, library in (("history", "FULL:libsqlite3"), ("qr", "FULL:libqrencode"),
                              ("web", "WEB:libmicrohttpd-no-ssl")):
            self.assertEqual(flags[name], f"$(if $(CONFIG_AGGD_{library.split(':')[0]}),"
                                          "enabled,disabled)")
            self.assertIn(f"+AGGD_{library}", self.recipe())

    def test_what_is_kept(self):
        """The keys outlive an upgrade of the system; what stays when the package goes is
        what a person wrote. There are no scripts that would change anything else."""
        with open(os.path.join(FILES, "aggd.keep"), encoding="ascii") as file:
            self.assertEqual(file.read(), "/etc/aggd/\n")
        kept = re.search(r"define Package/aggd/conffiles\n(.*?)endef", self.recipe(), re.S)[1]
        self.assertEqual(kept.split(), ["/etc/config/aggd", "/etc/aggd/"])
        self.assertNotRegex(self.recipe(), r"/(prerm|postrm|postinst|preinst)")
        placed = re.findall(r"\$\(1\)(/etc/(?:config|firewall|network)/\S+)", self.recipe())
        self.assertEqual(placed, ["/etc/config/aggd"])

    def test_it_may_ask_netifd_and_no_more(self):
        with open(os.path.join(FILES, "aggd.acl.json"), encoding="ascii") as file:
            self.assertEqual(json.load(file), {
                "user": "aggd", "access": {"network.interface": {"methods": ["dump"]}}})

    def test_the_menu_shows_the_views(self):
        path = os.path.join(LUCI, "root/usr/share/luci/menu.d/luci-app-aggd.json")
        with open(path, encoding="utf-8") as file:
            entries = json.load(file).values()
        shown = [e["action"]["path"] for e in entries if e["action"]["type"] == "view"]
        self.assertEqual(sorted(f"{p.removeprefix('aggd/')}.js" for p in shown),
                         sorted(os.listdir(VIEWS)))

    def test_firewall(self):
        with open(os.path.join(FILES, "aggd.nft"), encoding="ascii") as file:
            lines = file.read()
        done = run(["nft", "-c", "-f", "-"], input="table inet fw4 {\nchain forward {\n" + lines +
                   "}\n}\n")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_configuration(self):
        with open(os.path.join(FILES, "aggd.config"), encoding="ascii") as file:
            text = file.read()
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "aggd")
            with open(path, "w", encoding="ascii") as file:
                file.write(text + FILLED)
            done = run([AGGD, "-t", "-c", path])
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("good", done.stdout)

    def test_json(self):
        for folder, _, names in os.walk(LUCI):
            for name in names:
                if name.endswith(".json"):
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        json.load(file)
        with open(os.path.join(FILES, "aggd.capabilities"), encoding="ascii") as file:
            self.assertEqual(json.load(file)["bounding"],
                             ["CAP_NET_ADMIN", "CAP_NET_RAW", "CAP_NET_BIND_SERVICE"])

    def view(self, name, answers):
        with open(os.path.join(VIEWS, name), encoding="utf-8") as file:
            source = file.read()
        code = (f"const ANSWERS = {json.dumps(answers)}; const SOURCE = {json.dumps(source)};" +
                LUCI_STUB)
        done = run(["node", "-e", code])
        self.assertEqual(done.returncode, 0, done.stdout)
        return json.loads(done.stdout), source

    def allowed(self):
        path = os.path.join(LUCI, "root/usr/share/rpcd/acl.d/luci-app-aggd.json")
        with open(path, encoding="utf-8") as file:
            rights = json.load(file)["luci-app-aggd"]
        return [*rights["read"]["file"], *rights["write"]["file"]]

    def test_status_view(self):
        uplink = {"name": "dsl", "state": "down", "why": "no <b>carrier</b>", "cost": "normal",
                  "down_bytes_per_s": 125000, "up_bytes_per_s": 0, "srtt_us": None}
        got, source = self.view("status.js", {
            "status": json.dumps({"state": "degraded", "limit": "dsl is down",
                                  "uplinks": [uplink]}),
            "scheduler": json.dumps({"choices": [
                {"kind": "scheduler", "name": "ecf", "summary": "s", "runs": "down"}]})})
        for text in ("degraded", "dsl is down", "down: no <b>carrier</b>", "1.0", "ecf: s"):
            self.assertIn(text, got["text"])
        self.assertNotIn("innerHTML", source)
        for command in got["shown"]:
            self.assertTrue(any(re.fullmatch(pattern.replace("*", ".*"), command)
                                for pattern in self.allowed()), command)

    def test_status_view_without_a_daemon(self):
        got, _ = self.view("status.js", {"status": "", "scheduler": ""})
        self.assertIn("aggd does not run", got["text"])

    def test_config_view_loads(self):
        got, source = self.view("config.js", {})
        self.assertEqual(got["shown"], ["/usr/bin/aggctl scheduler --json"])
        keys = re.findall(r"(?:s\.option\([^,]+|choice\(s), '(\w+)'", source)
        self.assertLessEqual({"cost", "cap", "cap_day", "scheduler", "scheduler_up"}, set(keys))
        for key in keys:
            with open(os.path.join(ROOT, "docs/aggd.conf.md"), encoding="utf-8") as file:
                self.assertRegex(file.read(), rf"(?m)^### (option|list) {key}\b")


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
