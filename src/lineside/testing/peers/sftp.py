"""An SFTP server (asyncssh) on loopback: its own host key, a user with a password, a folder; it can be cut."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import asyncssh

from lineside.testing.peers.ports import free_port

USER, PASSWORD = "machine", "between us"


class SftpPeer:
    """A server that shows ``folder`` as its root and can be stopped, started and cut at the same port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.key = asyncssh.generate_private_key("ssh-ed25519")
        self.cut_after = 0
        """Bytes of a file after which the next transfer is cut; 0: none is."""
        self._server: asyncssh.SSHAcceptor | None = None
        self._connections: list[asyncssh.SSHServerConnection] = []

    @property
    def host_line(self) -> str:
        """The line of a known hosts file that trusts this server."""
        return f"[127.0.0.1]:{self.port} {self.key.export_public_key().decode().strip()}\n"

    def url(self, folder: str = "/") -> str:
        """The address of a folder, as a plan writes it."""
        return f"sftp://{USER}@127.0.0.1:{self.port}{folder}"

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncssh.create_server(
            lambda: _Users(self._connections),
            "127.0.0.1",
            self.port,
            server_host_keys=[self.key],
            sftp_factory=lambda channel: _Files(channel, self),
            allow_scp=False,
        )

    async def stop(self) -> None:
        """Close the port and cut everybody off."""
        self.cut()
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()
            self._server = None

    def cut(self) -> None:
        """Cut every connection, as a network does."""
        for connection in self._connections:
            connection.abort()
        self._connections.clear()


class _Users(asyncssh.SSHServer):
    def __init__(self, connections: list[asyncssh.SSHServerConnection]) -> None:
        self._connections = connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connections.append(conn)

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == (USER, PASSWORD)


class _Files(asyncssh.SFTPServer):
    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], peer: SftpPeer) -> None:
        super().__init__(channel, chroot=bytes(peer.folder))
        self._peer = peer

    def read(self, file_obj: Any, offset: int, size: int) -> Any:
        if self._peer.cut_after and offset + size > self._peer.cut_after:
            self._peer.cut_after = 0
            asyncio.get_running_loop().call_soon(self._peer.cut)
        return super().read(file_obj, offset, size)
