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
  { id: 'jobs', path: 'jobs', letter: 'j', icon: 'M8 2a6 6 0 1 0 .01 0M8 4.5V8l2.5 1.5' },
  { id: 'logs', path: 'logs', letter: 'l', icon: 'M3 3h7M3 6h5M3 9h3M10.5 8a2.5 2.5 0 1 0 .01 0M12.3 12.3L14 14' },
  { id: 'executors', path: 'executors', letter: 'e', icon: 'M3 3h10v4H3zM3 9h10v4H3zM5 5h1M5 11h1' },
  { id: 'deadLetters', path: 'dead-letters', letter: 'd', icon: 'M2 4h12v8H2zM2 4l6 5 6-5' },
  { id: 'alerts', path: 'alerts', letter: 'a', icon: 'M4 11V7a4 4 0 0 1 8 0v4l1.5 1.5h-11zM6.5 14h3' },
  { id: 'calendars', path: 'calendars', letter: 'c', icon: 'M2 4h12v10H2zM2 7h12M5 2v3M11 2v3' },
  { id: 'settings', path: 'settings', letter: 's', icon: 'M2 5h7M13 5h1M11 3v4M2 11h1M7 11h7M5 9v4' },
]
