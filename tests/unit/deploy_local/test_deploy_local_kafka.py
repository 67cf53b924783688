import base64

import pytest

from deploy.local.kafka import cluster_id_of


@pytest.mark.parametrize("first", range(256))
def test_cluster_id_is_16_bytes_and_never_an_option(first: int) -> None:
    cluster_id = cluster_id_of(bytes([first]) + bytes(15))
    assert not cluster_id.startswith("-")
    assert len(base64.urlsafe_b64decode(cluster_id + "==")) == 16
