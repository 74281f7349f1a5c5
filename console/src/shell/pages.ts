import type { Messages } from '../language/en/messages.ts'

export interface PageEntry {
  readonly id: keyof Messages['shell']['pages']
  /** Below `/n/<namespace>`. */
  readonly path: string
  /** `g` and this letter lead to it. */
  readonly letter: string
  /** An icon, as a path in a box of 16. */
  readonly icon: string
}

/** The pages of the navigation, in its order. */
export const PAGES: readonly PageEntry[] = [
  { id: 'overview', path: 'overview', letter: 'o', icon: 'M2 9h3l2-5 3 9 2-4h2' },
  { id: 'runs', path: 'runs', letter: 'r', icon: 'M3 4h10M3 8h10M3 12h6' },
]
