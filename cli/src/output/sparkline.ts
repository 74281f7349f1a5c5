const BARS = '▁▂▃▄▅▆▇█'
const NOTHING = ' '

/** Numbers as bars of one line: the highest is the tallest, none is a gap. @param columns of which each is the sum of several numbers where there are more */
export function sparkline(values: readonly number[], columns: number, together: (some: readonly number[]) => number = sum): string {
  const each = Math.max(1, Math.ceil(values.length / columns))
  const bars = Array.from({ length: Math.ceil(values.length / each) }, (_, i) => together(values.slice(i * each, (i + 1) * each)))
  const highest = Math.max(0, ...bars)
  return bars
    .map((value) => (value > 0 ? BARS[Math.min(BARS.length - 1, Math.floor((value / highest) * (BARS.length - 1)))] : NOTHING))
    .join('')
}

const sum = (some: readonly number[]) => some.reduce((all, one) => all + one, 0)
export const highestOf = (some: readonly number[]) => Math.max(...some)
