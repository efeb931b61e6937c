"""The phone: server-rendered pages over the holder library, in a process and on an origin of their own."""
