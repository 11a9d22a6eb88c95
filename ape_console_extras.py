"""What `ape console` knows besides ape's own names: the protocol, loaded.

On a local chain a fresh devnet is started (`devnet`); on any other network the manifest of the chain is read.
`protocol` is the client, `MarginAccount` names accounts, `lender` and `trader` are test accounts on a local chain.
"""

from typing import Any

from plimsoll import commands
from plimsoll.chain.ape_chain import ApeChain
from plimsoll.devnet import start
from plimsoll.errors import PlimsollError
from plimsoll.protocol import MarginAccount
from plimsoll.screen import make_console, prices_table, progress_of


def ape_init_extras() -> dict[str, Any]:
    """Return the names that the console gets."""
    console = make_console()
    chain = ApeChain()
    names: dict[str, Any] = {"plimsoll_chain": chain, "MarginAccount": MarginAccount}
    if chain.is_local:
        with progress_of(console) as progress:
            devnet = start(chain, progress=progress)
        names |= {"devnet": devnet, "protocol": devnet.protocol}
        names |= dict(zip(("lender", "trader"), chain.accounts()[1:3], strict=True))
    else:
        try:
            names["protocol"] = commands.load_protocol(chain, None)
        except PlimsollError as error:
            console.print(f"[red]protocol is not loaded: {error}[/]")
            return names
    console.print(prices_table(names["protocol"]))
    console.print(f"Loaded: {', '.join(names)}. For example: protocol.pools(), protocol.by(trader)")
    return names
