import { DOCS_STYLE, docsPage, errorsPage } from './docs-page.ts'
import type { HttpController, Route } from './http-controller.ts'
import { openApiDocument } from './openapi-document.ts'

/** The description of all routes, for programs and for people. */
export function docsController(controllers: readonly HttpController[]): HttpController {
  // Made when it is first read, then kept: it takes half a second and depends on the program alone.
  let document: ReturnType<typeof openApiDocument> | undefined
  const read = () => {
    document ??= openApiDocument(controllers)
    return document
  }
  return {
    name: 'Docs',
    routes: [
      fileRoute('/api/openapi.json', 'application/json', () => JSON.stringify(read())),
      fileRoute('/api/docs', 'text/html; charset=utf-8', () => docsPage(read())),
      fileRoute('/api/docs/errors', 'text/html; charset=utf-8', errorsPage),
      fileRoute('/api/docs/style.css', 'text/css; charset=utf-8', () => DOCS_STYLE),
    ],
  }
}

function fileRoute(path: string, contentType: string, make: () => string): Route {
  let text: string | undefined
  const headers = { 'content-type': contentType, 'cache-control': 'no-cache' }
  return {
    method: 'GET',
    path,
    allowed: 'anyone',
    handle: async () => {
      text ??= make()
      return { headers, body: text }
    },
  }
}
