"""The wire contract of rainbow: `rainbow.proto`, `memory.proto` and the stubs generated from them."""
