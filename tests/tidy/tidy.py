#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
# Copyright (c) 2026 The aggd authors
"""Checks the rules of HACKING.md that a program can check.

    tidy.py ROOT          prints FILE:LINE: RULE: what is allowed; 1 if any
    tidy.py --self-test   shows on a bad tree that every rule fires

Which room may look into which is ROOMS, with EXCEPTIONS; which file may name
a library is LIBRARIES; which part of the session may call which is SESSION. Each
exception says why it is one: where the code needs another, add it here with its
reason, or mend the code.
"""

import os
import re
import sys
import tempfile

COLUMNS_MAX = 100
TAB = 8

# Who may include what: rooms (all their headers) or single headers.
EVERYTHING = ['']
ROOMS = {
    'agg/base': [],
    'agg/conf': ['agg/base'],
    'agg/kernel': ['agg/base', 'agg/conf/table.h'],
    'scheduler': ['agg/base', 'agg/conf/table.h'],
    'tun': ['agg/base'],
    'agg/transport': ['agg/base', 'scheduler', 'tun/packet.h', 'tun/inspect.h', 'tun/flows.h',
                      'tun/fragment.h', 'tun/icmp.h'],
    'proxy': ['agg/base', 'agg/transport/stream.h'],
    'agg/pair': ['agg/base', 'agg/conf', 'agg/kernel', 'agg/transport/tls.h',
                 'agg/transport/wire.h', 'agg/transport/greet.h',
                 'agg/transport/aead.h'],
    'agg/report': ['agg/base'],
    'agg/ctl': ['agg/base', 'agg/report'],
    'agg/history': ['agg/base', 'agg/report/human.h'],
    'agg/selftest': ['agg/base', 'agg/kernel', 'agg/transport/aead.h'],
    'agg/doctor': ['agg/base', 'agg/conf', 'agg/kernel', 'agg/report',
                   'agg/role/warnings.h', 'agg/transport/tls.h'],
    'web': ['agg/base', 'agg/report', 'agg/ctl/ctl.h'],
    'scheduler/sim': ['agg/base', 'agg/conf', 'agg/transport', 'scheduler'],
    'agg/role': EVERYTHING,
    'agg/role/mptcp': EVERYTHING,
    'agg': EVERYTHING,
    'tests': EVERYTHING,
}
EXCEPTIONS = {
    ('agg/transport', 'agg/kernel/sockopt.h'):
        'subflow.c, the shell round the session, owns a TCP socket',
    ('agg/transport', 'agg/kernel/udp.h'):
        'dgram.c, the shell round packet tunnels, owns UDP sockets',
    ('agg/transport', 'agg/kernel/mptcpinfo.h'):
        'whose socket may be one of MPTCP',
    ('agg/transport', 'agg/kernel/tcpinfo.h'):
        'and what the scheduler is told of a path comes from TCP_INFO',
    ('agg/ctl', 'agg/transport/tls.h'):
        'aggctl keygen and pin work where no daemon runs',
    ('agg/ctl', 'agg/pair'):
        'aggctl setup and join work where no daemon runs yet, invite where none does',
    ('agg/ctl', 'agg/conf/conf.h'):
        'aggctl pin reads from the configuration where the identity is',
    ('agg/ctl', 'agg/doctor/look.h'):
        'aggctl doctor looks at the host where no daemon runs',
    ('agg/ctl', 'agg/doctor/redact.h'):
        'and aggctl bugreport is redacted by the same room',
    ('agg/ctl', 'scheduler/sim/advise.h'):
        'aggctl advise simulates in its own process, not in the daemon',
    ('web', 'agg/kernel/sockopt.h'):
        'the page listens, by a socket as all of ours are',
    ('proxy', 'agg/kernel/sockopt.h'):
        'a proxy owns sockets, and their options are a talk with Linux',
}

# What is a worker's is reached by its messages alone (agg/role/worker.h).
OUTSIDE = ['agg/main.c', 'agg/daemon.h', 'agg/update.c', 'agg/role/concentrator.c',
           'agg/role/door.c', 'agg/role/door.h', 'agg/role/verbs.c',
           'agg/role/verbs.h', 'agg/role/worker.h', 'agg/role/workers.h',
           'agg/role/workers.c']
INSIDE = ['agg/role/site.h', 'agg/role/sites.h', 'agg/role/home.h',
          'agg/transport/session.h', 'agg/transport/stream.h', 'proxy/outlet.h',
          'proxy/relay.h']

# The parts of the session (agg/transport/session_impl.h): none includes what one
# above it offers, so that calls go down and what is known goes up as an answer.
SESSION = ['session', 'session_report', 'frames', 'verdict', 'admit', 'pump', 'overdue',
           'reinject', 'deep', 'watch', 'lane', 'stream', 'receive', 'credit', 'send', 'work',
           'memory', 'path', 'depth', 'flights', 'segments', 'sendq', 'unsent']
PURE = SESSION[SESSION.index('path'):]  # and these know of no session
STATE = ['agg/transport/session.h', 'agg/transport/session_impl.h',
         'agg/transport/stream.h']

# Who may name a library: a file, or a room with all that is below it.
LIBRARIES = [
    (r'ev\.h', ['agg/base/loop.c']),
    (r'openssl/.*', ['agg/transport/aead_openssl.c',
                     'agg/transport/tls_key_openssl.c',
                     'agg/transport/tls_openssl.c',
                     'agg/transport/tls_openssl.h',
                     'tests/contract/tls_stranger.c']),
    (r'(mbedtls|psa)/.*', ['agg/transport/aead_mbedtls.c',
                           'agg/transport/tls_key_mbedtls.c',
                           'agg/transport/tls_mbedtls.c',
                           'agg/transport/tls_mbedtls.h',
                           'agg/transport/tls_mbedtls3.c']),
    (r'(libmnl|netlink)/.*', ['agg/kernel/', 'tests/']),
    (r'linux/(.*netlink|mptcp|inet_diag|fib_rules|if_addr|if_link)\.h',
     ['agg/kernel/', 'tests/']),
    (r'cap-ng\.h', ['agg/kernel/caps.c']),
    (r'ares\.h', ['proxy/resolve.c', 'proxy/resolve_cache.h']),
    (r'json-c/.*', ['agg/report/', 'agg/ctl/', 'agg/doctor/', 'agg/kernel/netifd_text.c',
                   'agg/selftest/render.c', 'scheduler/sim/result_json.c', 'tests/']),
    (r'microhttpd\.h', ['web/']),
    (r'gnutls/.*', ['web/cert_gnutls.c', 'tests/']),
    (r'sqlite3\.h', ['agg/history/store_sqlite.c', 'tests/']),
    (r'cmocka\.h', ['tests/']),
]

# Unit tests that are not about one file of their room.
ROOM_TESTS = {
    ('agg/base', 'router_hash'): 'router/hash.c, which the smallest build alone has',
    ('agg/conf', 'doc'): 'the manual in docs/ is what the tables say',
    ('agg/conf', 'golden'): 'the whole room: text in, text out',
    ('agg/report', 'render'): 'all renderers over the same state',
}

SHOWN = ['tests/tunnel.md'] # lists of tests, `FILE:NAME` each

CODE = ('.c', '.h', '.py', '.sh', '.js')
DATA_DIRS = ('corpus', 'golden', 'node_modules')
UNFINISHED = re.compile(r'\b(' + '|'.join(['TO' 'DO', 'FIX' 'ME', 'X' 'XX'])
                        + r')\b')
INCLUDE = re.compile(r'\s*#\s*include\s+([<"])([^>"]+)[>"]')
WORD = re.compile(r'[a-z_][a-z0-9_]*')
FUNCTION = re.compile(r'^(?!static|typedef)[a-z][\w *]*?\b([a-z_][a-z0-9_]*)\(', re.M)
CONDITION = re.compile(r'\s*#\s*(if|ifdef|ifndef|elif)\b')


class Tree:
    """The files below a root, as lines, and what was found wrong."""

    def __init__(self, root):
        self.root = root
        self.found = []
        self.files = {}
        for folder, dirs, names in os.walk(root):
            dirs[:] = sorted(d for d in dirs if self.is_ours(folder, d))
            for name in sorted(names):
                path = os.path.relpath(os.path.join(folder, name), root)
                if path.endswith(CODE) or name == 'meson.build':
                    self.files[path] = self.lines(path)

    def is_ours(self, folder, name):
        built = os.path.exists(os.path.join(folder, name, 'meson-info'))
        cross = folder == self.root and name == 'build-cross'  # ./dev cross, whole systems
        return not (built or cross or name.startswith('.') or name in DATA_DIRS)

    def lines(self, path):
        with open(os.path.join(self.root, path), encoding='utf-8') as file:
            return file.read().split('\n')

    def say(self, path, line, rule, allowed):
        self.found.append((path, line, rule, allowed))

    def named(self, *endings):
        return [(p, l) for p, l in self.files.items() if p.endswith(endings)]


def room_of(path):
    """The longest room that path is in, or None."""
    rooms = [r for r in ROOMS if path.startswith(r + '/')]
    room = max(rooms, key=len, default=None)
    if room == 'agg' and path.count('/') > 1:
        return None
    return room


def is_in(path, places):
    return any(p == '' or path == p or path.startswith(p.rstrip('/') + '/')
               for p in places)


def check_arrow(tree, path, number, header):
    room = room_of(path)
    if path in OUTSIDE and header in INSIDE:
        tree.say(path, number, 'worker', f'{header} is a worker\'s')
    if room is None or room == 'tests':
        return
    allowed = [room] + ROOMS[room]
    if is_in(header, allowed) or (room, header) in EXCEPTIONS or \
            (room, os.path.dirname(header)) in EXCEPTIONS:
        return
    tree.say(path, number, 'arrow',
             f'{room} may include of ours: ' + ', '.join(allowed))


def part_of(path):
    match = re.fullmatch(r'agg/transport/(\w+?)(_impl)?\.[ch]', path)
    return match[1] if match and match[1] in SESSION else None


def check_order(tree, path, number, header):
    part, other = part_of(path), part_of(header)
    if part is None or path in STATE:
        return
    if header in STATE:
        if part in PURE:
            tree.say(path, number, 'pure', f'{part} knows of no session')
    elif other and SESSION.index(other) < SESSION.index(part):
        tree.say(path, number, 'order', f'{part} may include of the session: ' +
                 ', '.join(SESSION[SESSION.index(part):]))


def check_library(tree, path, number, header):
    for pattern, places in LIBRARIES:
        if re.fullmatch(pattern, header) and not is_in(path, places):
            tree.say(path, number, 'library',
                     f'<{header}> is named in {", ".join(places)} only')


def check_includes(tree):
    for path, lines in tree.named('.c', '.h'):
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if match and match[1] == '"':
                check_arrow(tree, path, number, match[2])
                check_order(tree, path, number, match[2])
            elif match:
                check_library(tree, path, number, match[2])


def check_rooms(tree):
    for path, _ in tree.named('.c', '.h'):
        if room_of(path) is None:
            tree.say(path, 1, 'room', 'sources are in a room: '
                     + ', '.join(r for r in ROOMS))


def check_conditions(tree):
    for path, lines in tree.named('.c'):
        if path.startswith('agg/kernel/'):
            continue
        for number, line in enumerate(lines, 1):
            if CONDITION.match(line):
                tree.say(path, number, 'condition',
                         'no #if outside agg/kernel: one file per variant')


def check_plates(tree):
    plate = ['/* SPDX-License-Identifier: MIT',
             ' * Copyright (c) 2026 The aggd authors']
    for path, lines in tree.named('.c', '.h'):
        if lines[:2] != plate:
            tree.say(path, 1, 'plate', 'begins with: ' + ' '.join(plate))
        wants_doc = path.endswith('.c') and not path.startswith('tests/unit/')
        if wants_doc and not '\n'.join(lines[2:4]).startswith(' *\n * DOC: '):
            tree.say(path, 3, 'doc', 'then " * DOC: " and what it is for')


def check_guards(tree):
    for path, lines in tree.named('.h'):
        if path.startswith('tests/unit/'):
            continue
        guard = re.sub(r'[^A-Za-z0-9]', '_', path).upper()
        if f'#ifndef {guard}' not in lines or f'#define {guard}' not in lines:
            tree.say(path, 1, 'guard', f'its include guard is {guard}')


def check_lines(tree):
    for path, lines in tree.files.items():
        if lines[-1] != '' or lines[-2:] == ['', '']:
            tree.say(path, len(lines), 'end', 'ends with one newline')
        for number, line in enumerate(lines, 1):
            if line != line.rstrip():
                tree.say(path, number, 'space', 'no space at the end of a line')
            if len(line.expandtabs(TAB)) > COLUMNS_MAX:
                tree.say(path, number, 'long',
                         f'at most {COLUMNS_MAX} columns, a tab being {TAB}')
            if UNFINISHED.search(line):
                tree.say(path, number, 'unfinished',
                         'what is to be done is an issue, not a comment')


def check_meson(tree):
    """A source that no meson.build names is dead: its own by its name (of a
    test, the part that is its own), or another by a path that ends in it."""
    everywhere = '\n'.join('\n'.join(l) for _, l in tree.named('meson.build'))
    for path, _ in tree.named('.c'):
        folder, name = os.path.split(path)
        own = '\n'.join(tree.files.get(f'{folder}/meson.build', ['']))
        part = re.fullmatch(r'fuzz_(.*)\.c|(.*)_test\.c', name)
        names = [name] + [p for p in (part.groups() if part else ()) if p]
        if not any(f"'{n}'" in own for n in names) and \
                not re.search(f"'[^']*/{re.escape(name)}'", everywhere):
            tree.say(path, 1, 'dead', f'{folder}/meson.build names it')


def check_mirror(tree):
    for path, _ in tree.named('_test.c'):
        match = re.fullmatch(r'tests/unit/(.+)/([^/]+)_test\.c', path)
        if not match:
            continue
        rooms = [r for r in ROOMS if r in (match[1], 'agg/' + match[1])]
        sources = [os.path.splitext(os.path.basename(p))[0]
                   for p in tree.files
                   if rooms and os.path.dirname(p) == rooms[0]]
        name = match[2]
        if rooms and (any(name == s or name.startswith(s + '_')
                          for s in sources) or (rooms[0], name) in ROOM_TESTS):
            continue
        tree.say(path, 1, 'mirror', 'tests/unit/ROOM/NAME_test.c or '
                 'NAME_WHAT_test.c is about NAME.c or NAME.h of a room')


def check_corpora(tree):
    for path, _ in tree.named('.c'):
        match = re.fullmatch(r'tests/fuzz/fuzz_(.*)\.c', path)
        if not match:
            continue
        corpus = f'tests/fuzz/corpus/{match[1]}'
        folder = os.path.join(tree.root, corpus)
        if not os.path.isdir(folder) or not os.listdir(folder):
            tree.say(path, 1, 'corpus', f'{corpus}/ has at least one file')


def without_comments(lines):
    return re.sub(r'/\*.*?\*/', '', '\n'.join(lines), flags=re.S)


def check_callers(tree):
    """A function of a header that no file but its own names is nobody's, or its
    file's alone. (What a room keeps between its files, _impl.h, is passed over, and
    what macros of a library's are made to call.)"""
    names = {p: set(WORD.findall(without_comments(l)))
             for p, l in tree.named('.c', '.h')}
    for path, lines in tree.named('.h'):
        if path.startswith(('tests/', 'agg/base/router/')) or path.endswith('_impl.h'):
            continue
        for match in FUNCTION.finditer(without_comments(lines)):
            name = match[1]
            users = [p for p in names if p != path and name in names[p]]
            own = [p for p in users if re.search(
                rf'^[a-z][\w *]*\b{name}\([^;{{]*\)\n\{{',
                '\n'.join(tree.files[p]), re.M)]
            if own and len(users) == len(own):
                tree.say(path, 1, 'caller', f'{name}() is static, or goes: no '
                         'other file names it')


def check_shown(tree):
    """What a list of tests names is there."""
    for path in SHOWN:
        if not os.path.exists(os.path.join(tree.root, path)):
            continue
        for number, line in enumerate(tree.lines(path), 1):
            for file, name in re.findall(r'`(\w+\.(?:c|py)):(\w+)`', line):
                texts = ['\n'.join(l) for p, l in tree.files.items()
                         if p.startswith('tests/') and os.path.basename(p) == file]
                if not any(re.search(rf'\b{name}\b', t) for t in texts):
                    tree.say(path, number, 'shown', f'no test {name} in {file}')


CHECKS = [check_includes, check_rooms, check_conditions, check_plates,
          check_guards, check_lines, check_meson, check_mirror, check_corpora,
          check_callers, check_shown]


def check(root):
    tree = Tree(root)
    for one in CHECKS:
        one(tree)
    return sorted(set(tree.found))


# The self test: a tree without a fault, and one fault at a time.

PLATE = ('/* SPDX-License-Identifier: MIT\n'
         ' * Copyright (c) 2026 The aggd authors\n'
         ' *\n * DOC: an example.\n */\n')
GOOD = {
    'agg/base/meson.build': "files('a.c')\n",
    'agg/base/a.c': PLATE + '#include "agg/base/a.h"\n',
    'agg/base/a.h': PLATE + '#ifndef AGG_BASE_A_H\n#define AGG_BASE_A_H\n'
                            'int a_do(void);\n#endif\n',
    'agg/kernel/meson.build': "files('k.c')\n",
    'agg/kernel/k.c': PLATE + '#include <libmnl/libmnl.h>\n#if 1\n#endif\n',
    'agg/transport/meson.build': "files('lane.c', 'path.c')\n",
    'agg/transport/lane.c': PLATE + '#include "agg/transport/session_impl.h"\n'
                                    '#include "agg/transport/path.h"\n',
    'agg/transport/path.c': PLATE + '#include "agg/transport/path.h"\n',
    'agg/ctl/meson.build': "files('c.c')\n",
    'agg/ctl/c.c': PLATE + '#include "agg/transport/tls.h"\n',
    'proxy/meson.build': "files('p.c')\n",
    'proxy/p.c': PLATE + '#include "agg/transport/stream.h"\n',
    'tests/unit/base/meson.build': "test('a_test.c')\n",
    'tests/unit/base/a_test.c': PLATE + '#include <cmocka.h>\n',
    'tests/fuzz/meson.build': "['a', []]\n",
    'tests/fuzz/fuzz_a.c': PLATE,
    'tests/fuzz/corpus/a/one': 'any  \n',
}
BAD = [  # the rule, the file, what it becomes
    ('arrow', 'agg/base/a.c', PLATE + '#include "agg/conf/conf.h"\n'),
    ('arrow', 'agg/base/a.h', GOOD['agg/base/a.h'] + '#include "a.h"\n'),
    ('arrow', 'proxy/p.c', PLATE + '#include "agg/transport/session.h"\n'),
    ('arrow', 'agg/ctl/c.c', PLATE + '#include "agg/transport/wire.h"\n'),
    ('arrow', 'proxy/p.c', PLATE + '# include "agg/role/gateway.h"\n'),
    ('order', 'agg/transport/lane.c', PLATE + '#include "agg/transport/pump.h"\n'),
    ('pure', 'agg/transport/path.c', PLATE + '#include "agg/transport/session.h"\n'),
    ('library', 'agg/base/a.c', PLATE + '#include <ev.h>\n'),
    ('library', 'proxy/p.c', PLATE + '#include <openssl/ssl.h>\n'),
    ('library', 'proxy/p.c', PLATE + '#include <json-c/json.h>\n'),
    ('library', 'agg/kernel/k.c', PLATE + '#include <cap-ng.h>\n'),
    ('library', 'tests/unit/base/a_test.c', PLATE + '#include <ares.h>\n'),
    ('room', 'agg/nowhere/x.h', GOOD['agg/base/a.h']),
    ('condition', 'proxy/p.c', PLATE + '#ifdef __linux__\n#endif\n'),
    ('plate', 'proxy/p.c', PLATE[3:]),
    ('plate', 'agg/base/a.h', '\n' + GOOD['agg/base/a.h']),
    ('doc', 'proxy/p.c', PLATE.replace('DOC', 'doc')),
    ('doc', 'proxy/p.c', ''.join(PLATE.splitlines(True)[:2]) + ' */\n'),
    ('guard', 'agg/base/a.h', GOOD['agg/base/a.h'].replace('A_H', 'B_H')),
    ('end', 'proxy/p.c', PLATE + 'int x;'),
    ('end', 'proxy/p.c', PLATE + '\n\n'),
    ('space', 'proxy/p.c', PLATE + 'int x; \n'),
    ('space', 'proxy/meson.build', "files('p.c')\t\n"),
    ('long', 'proxy/p.c', PLATE + '/*' + 97 * 'x' + '*/\n'),
    ('long', 'proxy/p.c', PLATE + 12 * '\t' + 'int x;\n'),
    ('unfinished', 'proxy/p.c', PLATE + '/* TO' 'DO */\n'),
    ('dead', 'proxy/q.c', PLATE),
    ('dead', 'tests/fuzz/meson.build', '[]\n'),
    ('mirror', 'tests/unit/base/b_test.c', PLATE),
    ('mirror', 'tests/unit/other/a_test.c', PLATE),
    ('corpus', 'tests/fuzz/fuzz_b.c', PLATE),
    ('worker', 'agg/main.c', PLATE + '#include "agg/role/site.h"\n'),
    ('shown', 'tests/tunnel.md', '| 1 | `a_test.c:nobody` |\n'),
    ('caller', 'proxy/p.c', PLATE + 'int a_do(void)\n{\n\treturn 0;\n}\n'),
]


def rules_of(files):
    with tempfile.TemporaryDirectory() as root:
        for path, text in files.items():
            full = os.path.join(root, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            with open(full, 'w', encoding='utf-8') as file:
                file.write(text)
        return {rule for _, _, rule, _ in check(root)}


def self_test():
    failed = 0
    if rules_of(GOOD):
        print('a good tree is called bad:', rules_of(GOOD))
        failed += 1
    for rule, path, text in BAD:
        if rule not in rules_of(dict(GOOD, **{path: text})):
            print(f'{rule} did not fire for {path}: {text[len(PLATE):]!r}')
            failed += 1
    print(f'{len(BAD) + 1 - failed} passed, {failed} failed')
    return 1 if failed else 0


def main(args):
    if args == ['--self-test']:
        return self_test()
    if len(args) != 1:
        print(__doc__)
        return 2
    found = check(args[0])
    for path, line, rule, allowed in found:
        print(f'{path}:{line}: {rule}: {allowed}')
    return 1 if found else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
