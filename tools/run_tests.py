# SPDX-License-Identifier: Apache-2.0
"""Run the tests with the servers that are reachable, and sum up.

The tests need no server. Some run once more for each of MariaDB, PostgreSQL
and RabbitMQ, if it answers. Where to look for them:

``OS_TEST_DBAPI_ADMIN_CONNECTION``
    URLs of database servers, separated by semicolons; the user must be
    allowed to create databases and users;
``FENIX_TEST_RABBIT_URL``
    an oslo.messaging transport URL.

The tests find in ``FENIX_TEST_MYSQL_URL``, ``FENIX_TEST_POSTGRESQL_URL`` and
``FENIX_TEST_RABBIT_URL`` only what answered. The last line is
``N passed, N failed, N skipped``, and the exit code is 0 only if nothing
failed.
"""

import argparse
import collections
import os
import pathlib
import re
import subprocess
import sys

import kombu
import sqlalchemy
import subunit
import testtools

STESTR = [sys.executable, '-m', 'stestr']

#: Seconds until a server counts as not reachable.
PATIENCE = 3

DATABASES = {
    'mysql': ['mysql+pymysql://root@127.0.0.1/test',
              'mysql+pymysql://root@localhost/test'
              '?unix_socket=/run/mysqld/mysqld.sock'],
    'postgresql': ['postgresql+psycopg://postgres@127.0.0.1/postgres'],
}
RABBIT = 'rabbit://guest:guest@127.0.0.1:5672/'


def probe_database(url):
    """Connect to a database server.

    :returns: why that failed, or None
    """
    engine = sqlalchemy.create_engine(
        url, poolclass=sqlalchemy.NullPool,
        connect_args={'connect_timeout': PATIENCE})
    try:
        engine.connect().close()
    except sqlalchemy.exc.DBAPIError as exc:
        return ' '.join(str(exc.orig).split())


def probe_rabbit(url):
    """Connect to RabbitMQ.

    :returns: why that failed, or None
    """
    connection = kombu.Connection(re.sub('^rabbit', 'amqp', url),
                                  connect_timeout=PATIENCE)
    try:
        connection.connect()
    except (OSError, *connection.connection_errors) as exc:
        return str(exc)
    finally:
        connection.release()


def first_reachable(urls, probe):
    """Return the first URL that answers, or None and why none does."""
    why = None
    for url in urls:
        problem = probe(url)
        if problem is None:
            return url, None
        why = why or problem
    return None, why


def find_servers(environ):
    """Look for the servers and tell the tests in ``environ``.

    :returns: why a server is not used, by its name
    """
    urls = dict(DATABASES)
    configured = environ.get('OS_TEST_DBAPI_ADMIN_CONNECTION')
    if configured:
        urls = dict.fromkeys(DATABASES, [])
        for url in configured.split(';'):
            if url.strip():
                backend = sqlalchemy.make_url(url.strip()).get_backend_name()
                urls[backend] = [url.strip()]
    absent = {}
    admin = ['sqlite://']
    for backend, title in (('mysql', 'MariaDB'),
                           ('postgresql', 'PostgreSQL')):
        url, why = first_reachable(urls[backend], probe_database)
        tell(environ, f'FENIX_TEST_{backend.upper()}_URL', url)
        if url:
            admin.append(url)
        else:
            absent[title] = why or 'not configured'
    environ['OS_TEST_DBAPI_ADMIN_CONNECTION'] = ';'.join(admin)
    url, why = first_reachable(
        [environ.get('FENIX_TEST_RABBIT_URL') or RABBIT], probe_rabbit)
    tell(environ, 'FENIX_TEST_RABBIT_URL', url)
    if not url:
        absent['RabbitMQ'] = why
    return absent


def tell(environ, name, url):
    environ.pop(name, None)
    if url:
        environ[name] = url


def number_of_runs():
    """Return how many runs stestr has noted."""
    try:
        return int(pathlib.Path('.stestr/next-stream').read_text())
    except FileNotFoundError:
        return 0


def read_results():
    """Read what stestr noted of the last run.

    :returns: the number of tests for each outcome, why tests were skipped
        with how many of them, and the names of those that failed
    """
    outcomes = collections.Counter()
    reasons = collections.Counter()
    broken = []

    def count(test):
        outcome = {'success': 'passed', 'xfail': 'passed',
                   'skip': 'skipped', 'exists': None}.get(
                       test['status'], 'failed')
        outcomes[outcome] += 1
        if outcome == 'skipped':
            reason = test['details'].get('reason')
            reasons[reason.as_text().strip() if reason else 'no reason'] += 1
        elif outcome == 'failed':
            broken.append(test['id'])

    result = testtools.StreamToDict(count)
    result.startTestRun()
    with subprocess.Popen([*STESTR, 'last', '--subunit'],
                          stdout=subprocess.PIPE) as last:
        subunit.ByteStreamToStreamResult(
            last.stdout, non_subunit_name='stdout').run(result)
    result.stopTestRun()
    return outcomes, reasons, broken


def main():
    parser = argparse.ArgumentParser(description=__doc__.split('\n')[0])
    parser.add_argument('--require-servers', action='store_true',
                        help='a server that is not reachable is a failure')
    parser.add_argument('--coverage', action='store_true',
                        help='note which lines are run')
    parser.add_argument('args', nargs='*', metavar='ARG',
                        help='for "stestr run", for example a regex that '
                             'picks tests; options of it after "--"')
    options = parser.parse_args()
    environ = dict(os.environ)
    absent = find_servers(environ)
    # stestr would take a PYTHON that was meant for make.
    environ['PYTHON'] = sys.executable + (
        ' -m coverage run --source fenix --parallel-mode'
        if options.coverage else '')
    for what in ('LOG', 'STDOUT', 'STDERR'):
        # Shown with a test that fails, and only then.
        environ.setdefault(f'OS_{what}_CAPTURE', '1')
    before = number_of_runs()
    code = subprocess.call([*STESTR, 'run', *options.args], env=environ)
    outcomes = reasons = collections.Counter()
    broken = []
    if number_of_runs() > before:
        outcomes, reasons, broken = read_results()
    failed = outcomes['failed']
    if code and not failed:
        print('\nThe run itself failed, see above.')
        failed = 1
    if not outcomes['passed'] and not failed:
        print('\nNo test ran.')
        failed = 1
    for title, why in absent.items():
        print(f'\nNot run with {title}: {why}')
        if options.require_servers:
            print(f'{title} is required: this counts as a failure.')
            failed += 1
    if reasons:
        print('\nSkipped:')
        for reason, number in sorted(reasons.items()):
            print(f'  {number:4} {reason}')
    if broken:
        # Once more at the end, for who sees only the end of a long log.
        print('\nFailed:')
        for name in sorted(broken):
            print(f'  {name}')
    print(f'\n{outcomes["passed"]} passed, {failed} failed, '
          f'{outcomes["skipped"]} skipped')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
