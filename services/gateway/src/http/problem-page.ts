import { ERROR_CODES, type ErrorCode } from '@carillon/contracts'
import { html, page } from './docs-page.ts'
import type { Problem } from './problem.ts'

/** A refusal for people, where a browser shows it in place of a page. */
export function problemPage({ code, detail, hint }: Problem): string {
  const { meaning, remedy } = ERROR_CODES[code as ErrorCode]
  return page(
    `Carillon: ${code}`,
    `<main>
<h1>That did not work</h1>
<p>${html(meaning)}</p>
<p><code>${html(code)}</code> ${html(detail)}</p>
<p>${html(hint ?? remedy)}</p>
<p><a href="/">Back to Carillon</a></p>
</main>`,
  )
}
