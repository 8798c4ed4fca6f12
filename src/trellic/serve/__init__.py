"""`trellic serve`: a page that decodes in the browser, a folder's pictures, packed models, and coding for the page.

One thread a connection, from the standard library. What a client sends is bounded in bytes, in time and in number.
"""
