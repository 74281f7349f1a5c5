/** What is shown instead of the console where it was not built or installed. */
export const NO_CONSOLE = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Carillon</title></head>
<body>
<h1>Carillon</h1>
<p>This gateway has no console: its files are not there. In a clone of Carillon, <code>npm run build</code> makes them.</p>
<p>The HTTP API works: <a href="/api/docs">its documentation</a>.</p>
</body>
</html>
`
