export type Shortcut =
  | { readonly kind: 'search' }
  | { readonly kind: 'help' }
  | { readonly kind: 'go'; readonly letter: string }
  | { readonly kind: 'row'; readonly what: 'next' | 'previous' | 'open' | 'select' | 'actions' }

/** `g` counts for this long. */
export const CHORD_MS = 1_200

const ROWS: Readonly<Record<string, Extract<Shortcut, { kind: 'row' }>['what']>> = { j: 'next', k: 'previous', x: 'select', '.': 'actions' }

/**
 * What a key means outside of a text field.
 * @param isChord `g` was pressed just before
 */
export function shortcutOf(key: string, isChord: boolean): Shortcut | 'chord' | undefined {
  if (isChord && /^[a-z]$/.test(key)) return { kind: 'go', letter: key }
  if (key === 'g') return 'chord'
  if (key === '/') return { kind: 'search' }
  if (key === '?') return { kind: 'help' }
  const what = ROWS[key]
  return what === undefined ? undefined : { kind: 'row', what }
}
