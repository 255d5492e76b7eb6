# SPDX-License-Identifier: Apache-2.0
import ast
import contextlib
import json

import hypothesis
import testtools
import yaml
from hypothesis import strategies
from oslo_config import cfg
from oslo_config import fixture

from fenix import conf
from fenix import errors
from fenix.api import admission
from fenix.api import validation
from fenix.conf import planner
from fenix.engine import margins
from fenix.notify import payloads

SCALARS = (strategies.booleans() | strategies.none()
           | strategies.integers(-10**9, 10**9)
           | strategies.floats(allow_nan=False, allow_infinity=False)
           | strategies.text(max_size=40)
           | strategies.text('ab\'"u[]{}:,\\ #\n%', max_size=12))


class MetadataTest(testtools.TestCase):

    @hypothesis.settings(max_examples=300)
    @hypothesis.given(strategies.dictionaries(
        strategies.text(max_size=20) | strategies.text('ab\'"u[{: ',
                                                       max_size=5),
        SCALARS, max_size=5))
    @hypothesis.example({'release': "it's"})
    @hypothesis.example({'a': 'say "so"'})
    @hypothesis.example({"u'": '}'})
    def test_what_is_let_in_arrives(self, meta):
        """CONTRACT.md section 8, 8."""
        with contextlib.suppress(errors.Invalid):
            meta = validation.read_json(json.dumps(meta).encode())
            admission.check_metadata(meta)
            trait = str(meta)[:255]
            self.assertEqual(meta, ast.literal_eval(trait))
            self.assertEqual(set(meta), set(yaml.safe_load(trait)))
            payloads.check({'metadata': meta})

    def test_ordinary(self):
        for meta in ({}, {'openstack_version': 'Train'}, {'a': 1, 'b': 1.5},
                     {'a': True}, {'note': 'it\'s new: café'}):
            admission.check_metadata(meta)


class LimitsTest(testtools.TestCase):

    def test_what_default_does_not_keep_is_refused(self):
        for name in planner.VNF_ALONE:
            error = self.assertRaises(
                errors.Invalid, admission.check_limits, 'default', {name: 1})
            self.assertIn(name, str(error))
            self.assertEqual(f'settings.{name}', error.field)
            for workflow, value in ('vnf', 1), ('default', 0), ('own', 1):
                admission.check_limits(workflow, {name: value})

    def test_what_it_keeps_by_itself_is_let_in(self):
        admission.check_limits(
            'default', {'hosts_at_once': 1, 'zone_share': 0.1})


class MarginsTest(testtools.TestCase):

    def setUp(self):
        super().setUp()
        self.conf = cfg.ConfigOpts()
        conf.register(self.conf)
        self.conf([], project='fenix', default_config_files=[])
        self.config = self.useFixture(fixture.Config(self.conf)).config

    def test_each_time_that_engines_look_at_as_well(self):
        """What they refuse as an option, a session may not set either."""
        for group in conf.PER_SESSION:
            for option in group.OPTS:
                if not isinstance(option, cfg.FloatOpt):
                    continue
                self.config(group=group.GROUP.name,
                            **{option.dest: option.type.max or 90.0})
                try:
                    margins.check(self.conf)
                    admission.check_margins(
                        {option.dest: 90.0}, self.conf)
                except errors.BadConfiguration:
                    error = self.assertRaises(
                        errors.Invalid, admission.check_margins,
                        {option.dest: 90.0}, self.conf)
                    self.assertEqual(f'settings.{option.dest}', error.field)
                    self.assertIn('unknown_window', str(error))
                self.conf.clear_override(
                    option.dest, group=group.GROUP.name)

    def test_the_bound_itself_is_refused_a_little_more_is_not(self):
        for name in ('migration_timeout', 'confirm_timeout'):
            for window in (90.0, 20.0):
                self.config(group='nova', unknown_window=window)
                error = self.assertRaises(
                    errors.Invalid, admission.check_margins, {name: window},
                    self.conf)
                self.assertEqual(f'settings.{name}', error.field)
                # What to do about it.
                self.assertIn('leave it out', str(error))
                admission.check_margins({name: window + 0.1}, self.conf)

    def test_what_is_not_set_is_the_engines_business(self):
        self.config(group='workflow', migration_timeout=5)
        admission.check_margins({}, self.conf)


class TimeTest(testtools.TestCase):

    @hypothesis.given(strategies.text('0123456789-: TZ+.,W', max_size=30))
    @hypothesis.example('2026-W01-1 10:00:00')
    @hypothesis.example('20260131T100000')
    def test_a_time_or_an_error(self, text):
        with contextlib.suppress(errors.BadTime):
            self.assertIsNotNone(admission.read_time(text).tzinfo)

    def test_round_trip(self):
        for moment in ('2026-01-31 10:00:30', '2026-01-31T10:00:30Z',
                       '2026-01-31 10:00:30 Z', '2026-01-31T10:00:30+00:00',
                       '2026-01-31T11:00:30+0100', '2026-01-31T09:00:30-01'):
            self.assertEqual('2026-01-31T10:00:30+00:00',
                             admission.read_time(moment).isoformat())
