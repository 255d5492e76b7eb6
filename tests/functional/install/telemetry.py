# SPDX-License-Identifier: Apache-2.0
"""Real ceilometer, as far as a notification passes it on its way to aodh."""

import pathlib

import fixtures
from ceilometer import messaging
from ceilometer import opts
from ceilometer.event import converter
from ceilometer.pipeline import event as event_pipeline
from ceilometer.publisher import messaging as publisher
from oslo_config import cfg
from stevedore import extension

#: The files that ceilometer comes with.
DATA = pathlib.Path(event_pipeline.__file__).parent / 'data'


class Ceilometer(fixtures.Fixture):
    """The notification agent's two steps, without the agent."""

    def _setUp(self):
        self._conf = cfg.ConfigOpts()
        for group, options in opts.list_opts():
            self._conf.register_opts(
                list(options), group=None if group == 'DEFAULT' else group)
        self._conf([], default_config_files=[])

    def convert(self, definitions, event_type, payload, timestamp):
        """Make an event of a notification of Fenix.

        :param definitions: path of an event_definitions.yaml
        :returns: its traits by name: type and value
        """
        self._conf.set_override(
            'definitions_cfg_file', str(definitions), 'event')
        made = converter.setup_events(self._conf, extension.ExtensionManager(
            namespace='ceilometer.event.trait_plugin')).to_event('info', {
                'event_type': event_type, 'publisher_id': 'fenix',
                'ctxt': {}, 'payload': payload, 'metadata': {
                    'message_id': 'm1', 'timestamp': str(timestamp)}})
        return {trait.name: (trait.dtype, trait.serialize()[2])
                for trait in made.traits}

    def topics(self, pipeline, event_type):
        """Return the topics that events of a type are published to.

        :param pipeline: path of an event_pipeline.yaml
        """
        self._conf.set_override('event_pipeline_cfg_file', str(pipeline))
        with fixtures.MockPatchObject(messaging, 'get_transport'), \
                fixtures.MockPatchObject(publisher.oslo_messaging,
                                         'Notifier', _Notifier):
            manager = event_pipeline.EventPipelineManager(self._conf)
        return [topic for pipe in manager.pipelines
                if pipe.source.support_event(event_type)
                for each in pipe.publishers
                for topic in each.notifier.topics]


class _Notifier:
    """In the place of oslo.messaging's, which would talk to a bus."""

    def __init__(self, transport, topics=None, **kwargs):
        self.topics = topics
