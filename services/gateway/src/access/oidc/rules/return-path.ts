import { CarillonError, printable } from '@carillon/contracts'

/** Fits into a cookie, as base64. */
const LONGEST = 1_000
/** No origin of anyone. */
const HERE = 'http://here.invalid'

/**
 * The page of the console that is shown after the sign-in. Browsers read `//host`, `/\host` and tabs within as another site.
 * @throws CarillonError INVALID_REQUEST
 */
export function returnPath(text: string | undefined): string {
  if (text === undefined || text === '') return '/'
  const isPath = /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(text) && text.length <= LONGEST
  if (isPath && URL.canParse(text, HERE)) {
    const { origin, pathname, search, hash } = new URL(text, HERE)
    if (origin === HERE && !pathname.startsWith('//') && !/^\/(api|hooks)(\/|$)/.test(pathname)) return `${pathname}${search}${hash}`
  }
  throw new CarillonError('INVALID_REQUEST', `return is no page of the console: ${printable(text)}`, {
    field: 'return',
    value: printable(text),
    hint: 'Use a path such as /n/default/runs.',
  })
}
