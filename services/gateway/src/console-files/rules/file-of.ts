/** Below these, nothing is a place in the console. */
const NOT_OURS = /^(api|hooks)(\/|$)/

/** The file of a path, whose page is `index.html`; undefined: the path is none of the console's. */
export function fileOf(path: string): string | undefined {
  if (NOT_OURS.test(path)) return undefined
  const last = path.slice(path.lastIndexOf('/') + 1)
  // No name of ours has a dot.
  return last.includes('.') ? path : 'index.html'
}

/** Whether the name of a file changes with its content, as the build tool makes those of assets. */
export function isHashed(file: string): boolean {
  return /^assets\/.*-[\w-]{8,}\.\w+$/.test(file)
}
