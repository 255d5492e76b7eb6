# SPDX-License-Identifier: Apache-2.0
from fenix.policies import base

RULES = [
    base.rule('fenix:health:detail', base.ADMIN,
              'See the details of how the service is.',
              ('GET', '/healthcheck')),
    base.rule('fenix:metrics:get', base.ADMIN,
              'Read the metrics of the API, unless [api] public_metrics lets '
              'everybody.', ('GET', '/metrics')),
]
