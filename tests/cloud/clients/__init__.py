# SPDX-License-Identifier: Apache-2.0
"""Managers of the three kinds that exist."""

from tests.cloud.clients import instance
from tests.cloud.clients import tacker
from tests.cloud.clients import url
from tests.cloud.scenarios import model

MANAGERS = {model.URL: url.UrlManager,
            model.INSTANCE: instance.InstanceManager,
            model.TACKER: tacker.TackerManager}
