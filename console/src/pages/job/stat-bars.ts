interface Point {
  readonly at: string
  readonly ended: number
  readonly states: { readonly succeeded?: number; readonly failed?: number; readonly timed_out?: number; readonly expired?: number }
}
/** A bar in px of its box. */
export interface Bar {
  readonly at: string
  readonly x: number
  readonly width: number
  readonly good: number
  readonly bad: number
}

/** A single failure among thousands of successes is to be seen. */
const LEAST_PX = 2

/** Bars of what ended well and what did not, scaled to the highest. */
export function barsOf(points: readonly Point[], { width, height }: { readonly width: number; readonly height: number }): Bar[] {
  const highest = Math.max(1, ...points.map(({ ended }) => ended))
  const step = width / Math.max(1, points.length)
  const px = (count: number) => (count === 0 ? 0 : Math.max(LEAST_PX, (count / highest) * (height - LEAST_PX)))
  return points.map(({ at, ended, states: { failed = 0, timed_out = 0, expired = 0 } }, i) => {
    const bad = failed + timed_out + expired
    return { at, x: i * step, width: Math.max(1, step - 1), good: px(ended - bad), bad: px(bad) }
  })
}
