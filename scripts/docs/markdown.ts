import type { Field } from './declarations.ts'

/** A table; cells may hold anything but line breaks. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(headings), line(headings.map(() => '---')), ...rows.map(line)].join('\n')
}

/** Fields one a row; a question mark is for those that may be left out. */
export function fieldTable(fields: readonly Field[]): string {
  return table(
    ['Field', 'Type', 'Meaning'],
    fields.map(({ name, type, required, meaning }) => [`\`${name}\`${required ? '' : ' ?'}`, type, meaning]),
  )
}

/** `10 s`, `2 min`: milliseconds for people. */
export function duration(ms: number): string {
  if (ms === 0) return 'none'
  for (const [unit, size] of [
    ['days', 86_400_000],
    ['min', 60_000],
    ['s', 1_000],
  ] as const)
    if (ms >= size && ms % size === 0 && !(unit === 'min' && ms < 2 * size))
      return `${ms / size} ${ms === size ? unit.replace(/s$/, '') || unit : unit}`
  return `${ms} ms`
}

/** `512 KiB`. */
export function bytes(count: number): string {
  const [KIB, MIB] = [1024, 1024 * 1024]
  if (count % MIB === 0) return `${count / MIB} MiB`
  return count % KIB === 0 ? `${count / KIB} KiB` : `${count.toLocaleString('en-US')} bytes`
}
