/** JSON that someone has typed: the value, or what is wrong with the text. Empty is `undefined`: no value. */
export function readJson(text: string): { readonly value: unknown } | { readonly problem: string } {
  if (text.trim() === '') return { value: undefined }
  try {
    return { value: JSON.parse(text) }
  } catch (error) {
    return { problem: (error as Error).message }
  }
}

/** How many lines of `text` are not in `original` at the same place from the beginning or the end. */
export function changedLines(original: string, text: string): number {
  const [a, b] = [original.split('\n'), text.split('\n')]
  let [start, end] = [0, 0]
  const shorter = Math.min(a.length, b.length)
  while (start < shorter && a[start] === b[start]) start++
  while (end < shorter - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++
  return Math.max(a.length, b.length) - start - end
}
