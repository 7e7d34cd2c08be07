"""Photos and signatures: addressed by the SHA-256 of the upload, sent beside the records.

`models`      what is here, who has sent it, which documents name it, uploads that are under way
`storage`     bytes, sealed, in whatever storage Django is set up with
`picture`     looks into a file and writes its picture anew; a program of its own, without Django
`rendering`   runs that program with ends to its memory and time
`naming`      documents that name media, and who may see it by that
`uploads`     the verbs of an upload: pieces, the end, what is refused
`retention`   what nobody names goes
`api`         the endpoint
"""
