/** A mirror the machine's apt uses, and where newer packages lie on it. */
export interface DebianMirror {
  /** Up to where `dists/` begins, with a slash at its end. */
  readonly uri: string
  readonly component: string
  /** Suites that may have a newer package than the machine's own, best first. */
  readonly suites: readonly string[]
}

/** Some mirrors know suites only by alias, some only by name. */
const ARCHIVES = [
  { origin: 'debian', component: 'main', suites: ['testing', 'unstable', 'forky', 'sid'] },
  { origin: 'ubuntu', component: 'universe', suites: ['devel'] },
]

/** Shops have one mirror; other vendors' folders may be called `debian` too. */
const MAX_MIRRORS = 3

/** Reads lines of `apt-get indextargets --format '$(REPO_URI) $(ORIGIN)'`: apt knows origins once it has package lists. */
export function mirrorsOfTargets(output: string): DebianMirror[] {
  const mirrors = output.split('\n').map((line) => {
    const [uri = '', origin = ''] = line.split(' ')
    return mirrorAt(uri, origin.toLowerCase())
  })
  return distinct(mirrors)
}

/** Reads `apt-get update --print-uris`, which knows a mirror by its address alone: a fresh container has no package lists. */
export function mirrorsOfUris(output: string): DebianMirror[] {
  const mirrors = [...output.matchAll(/^'(\S+?\/)dists\/\S+\/InRelease'/gm)].map(([, uri = '']) =>
    mirrorAt(uri, uri.split('/').at(-2) ?? ''),
  )
  return distinct(mirrors)
}

function mirrorAt(uri: string, origin: string): DebianMirror | undefined {
  const archive = ARCHIVES.find((known) => known.origin === origin)
  // Security mirrors have nothing but fixes.
  if (archive === undefined || uri.includes('security')) return undefined
  return { uri, component: archive.component, suites: archive.suites }
}

function distinct(mirrors: readonly (DebianMirror | undefined)[]): DebianMirror[] {
  const byUri = new Map(mirrors.flatMap((mirror) => (mirror === undefined ? [] : [[mirror.uri, mirror]])))
  return [...byUri.values()].slice(0, MAX_MIRRORS)
}
