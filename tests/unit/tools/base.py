# SPDX-License-Identifier: Apache-2.0
import pathlib

import fixtures
import testtools

from tools.cloud import site


class CloudTestCase(testtools.TestCase):
    """Has a directory for a cloud."""

    def setUp(self):
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def site(self, **wishes) -> site.Site:
        """Return the place of a new cloud."""
        return site.Site(self.directory, **wishes)
