import { ERROR_CODES, type ErrorCode } from '@carillon/contracts'
import type { OpenApiDocument, Operation } from './openapi-document.ts'
import { statusOf } from './problem.ts'

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' }
export const html = (text: string): string => text.replaceAll(/[&<>"']/g, (letter) => ESCAPES[letter] as string)

/** Without scripts and inline styles: it works under the policy of the console, and has nothing that a session could be stolen by. */
export const page = (title: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${html(title)}</title>
<link rel="stylesheet" href="/api/docs/style.css">
</head>
<body>
${body}
</body>
</html>
`

/** The OpenAPI document as a page to read. */
export function docsPage(document: OpenApiDocument): string {
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  const sections = document.tags.map(({ name }) => {
    const own = operations.filter(({ operation }) => operation.tags[0] === name)
    return `<section id="${html(name)}"><h2>${html(name)}</h2>\n${own.map((one) => operationText(one, document)).join('\n')}</section>`
  })
  const links = document.tags.map(({ name }) => `<a href="#${html(name)}">${html(name)}</a>`).join(' · ')
  return page(
    `Carillon ${document.info.version}: HTTP API`,
    `<header><h1>Carillon ${html(document.info.version)}: HTTP API</h1>
<p>${html(document.info.description)}</p>
<p><a href="/api/openapi.json">OpenAPI document</a> · <a href="/api/docs/errors">Errors</a></p>
<pre>curl -H "Authorization: Bearer $TOKEN" -X POST http://localhost:8420/api/v1/namespaces/default/jobs/report/runs -d '{"payload":{"day":1}}'</pre>
<nav>${links}</nav></header>
<main>${sections.join('\n')}</main>`,
  )
}

function operationText(
  { path, method, operation }: { path: string; method: string; operation: Operation },
  document: OpenApiDocument,
): string {
  const { operationId, summary, description, parameters, requestBody, responses } = operation
  return `<article id="${html(operationId)}">
<h3><a href="#${html(operationId)}"><span class="${method.toLowerCase()}">${method}</span> <code>${html(path)}</code></a></h3>
<p>${html(summary)}. ${html(description)}</p>
${parameters.length === 0 ? '' : `<table><tbody>${parameters.map((one) => parameterRow(one, document)).join('')}</tbody></table>`}
${requestBody === undefined ? '' : schemaText('Body', requestBody, document)}
${Object.entries(responses)
  .filter(([status]) => /^\d+$/.test(status))
  .map(([status, answer]) => schemaText(`Answer ${status}`, answer, document))
  .join('\n')}
</article>`
}

const parameterRow = ({ name, in: place, required, schema }: Operation['parameters'][number], document: OpenApiDocument): string =>
  `<tr><th><code>${html(name)}</code></th><td>${place}${required ? ', required' : ''}</td><td><code>${html(written(schema, document))}</code></td></tr>`

function schemaText(title: string, said: unknown, document: OpenApiDocument): string {
  const { content = {} } = said as { content?: Record<string, { schema?: object }> }
  return Object.entries(content)
    .map(([type, { schema = {} }]) => {
      return `<details><summary>${html(title)}: ${html(type)}</summary><pre>${html(written(schema, document, 2))}</pre></details>`
    })
    .join('\n')
}

/** A schema with what it refers to in its place: none refers to itself. */
function written(schema: object, { components }: OpenApiDocument, indent?: number): string {
  const resolved = (_: string, value: unknown) => {
    const reference = (value as { $ref?: string } | null)?.$ref
    return reference === undefined ? value : components.schemas[reference.slice(reference.lastIndexOf('/') + 1)]
  }
  return JSON.stringify(schema, resolved, indent)
}

/** The catalogue of errors, to which the `type` of problems points. */
export function errorsPage(): string {
  const rows = (Object.keys(ERROR_CODES) as ErrorCode[]).sort().map((code) => {
    const { meaning, retry, remedy } = ERROR_CODES[code]
    return `<article id="${code}"><h3><a href="#${code}">${code}</a></h3>
<p>${html(meaning)}</p>
<p>${html(remedy)}</p>
<p>HTTP status ${statusOf(code)} · ${retry ? 'the same request may succeed later' : 'the same request will not succeed'}</p></article>`
  })
  return page(
    'Carillon: errors',
    `<header><h1>Errors</h1><p><a href="/api/docs">HTTP API</a></p></header>\n<main>${rows.join('\n')}</main>`,
  )
}

export const DOCS_STYLE = `:root { color-scheme: light dark; font-family: system-ui, sans-serif; line-height: 1.5 }
body { max-width: 60rem; margin: 0 auto; padding: 1rem }
article { border-top: 1px solid #8884; padding: 0.5rem 0 }
article:target { outline: 2px solid currentColor; outline-offset: 0.25rem }
h3 { font-size: 1rem; margin: 0.25rem 0; overflow-wrap: anywhere }
h3 a { color: inherit; text-decoration: none }
h3 span { display: inline-block; min-width: 4rem; font-weight: 700 }
pre { overflow: auto; max-height: 24rem; padding: 0.5rem; background: #8881 }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: 0.125rem 0.5rem; vertical-align: top; font-weight: 400; overflow-wrap: anywhere }
`
