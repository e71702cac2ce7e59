"""S3 stores, Amazon's or others."""

from __future__ import annotations

from typing import Any

from lineside.adapters.files.options import FileOptions
from lineside.domain.errors import ConfigurationError
from lineside.domain.plan.model import FilesSpec

try:
    import s3fs
except ImportError as error:
    raise ConfigurationError("S3 needs s3fs", next_step="install lineside[files]") from error


def connect_s3(spec: FilesSpec, options: FileOptions) -> Any:
    """Return the file system of a store; without a user it is asked without credentials.

    Credentials come from the plan's names alone: no profile of this account and no metadata server is asked.
    """
    client = {"endpoint_url": spec.endpoint or None, "region_name": spec.region or "us-east-1"}
    return s3fs.S3FileSystem(
        anon=not spec.username,
        key=spec.username or None,
        secret=options.password or None,
        client_kwargs=client,
        config_kwargs={"connect_timeout": 10, "read_timeout": 30, "retries": {"max_attempts": 1}},
        use_listings_cache=False,
        skip_instance_cache=True,
    )
