"""An S3 server (moto) on loopback, in a thread of this process; its objects outlive a stop."""

from __future__ import annotations

import asyncio
import logging
import os
from typing import Any
from unittest.mock import patch

import boto3
from moto.server import ThreadedMotoServer

from lineside.testing.peers.ports import free_port

KEY, SECRET = "MACHINE", "between us"


class S3Peer:
    """A store with one bucket, ``drop``."""

    def __init__(self) -> None:
        self.port = free_port()
        self._server: ThreadedMotoServer | None = None
        self._made: Any = None

    @property
    def endpoint(self) -> str:
        """The address of the store."""
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Listen."""
        logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
        await asyncio.to_thread(self._start)

    async def stop(self) -> None:
        """Close the port."""
        if self._server is not None:
            await asyncio.to_thread(self._server.stop)
            self._server = None

    async def put(self, key: str, body: bytes) -> None:
        """Put an object into the bucket."""
        await asyncio.to_thread(self._client().put_object, Bucket="drop", Key=key, Body=body)

    def listed(self) -> list[str]:
        """Return the keys in the bucket; blocks."""
        found = self._client().list_objects_v2(Bucket="drop")
        return [item["Key"] for item in found.get("Contents", [])]

    def _start(self) -> None:
        self._server = ThreadedMotoServer("127.0.0.1", self.port, verbose=False)
        self._server.start()
        client = self._client()
        if not client.list_buckets()["Buckets"]:
            client.create_bucket(Bucket="drop")

    def _client(self) -> Any:
        if self._made is None:
            with patch.dict(os.environ, {"AWS_EC2_METADATA_DISABLED": "true"}):
                self._made = boto3.client(
                    "s3",
                    endpoint_url=self.endpoint,
                    region_name="us-east-1",
                    aws_access_key_id=KEY,
                    aws_secret_access_key=SECRET,
                )
        return self._made
