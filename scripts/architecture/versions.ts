import type { Tree, Violation } from './rules.ts'

/** Where code, documents and tests have the version from. */
export const VERSION_FILE = 'contracts/src/version.ts'

const versionIn = (files: Tree['files']) => /'(.*)'/.exec(files.find(({ path }) => path === VERSION_FILE)?.lines.join('\n') ?? '')?.[1]

/** The newest version that the changelog describes is this one. */
export function changelog({ files }: Tree, text: string): Violation[] {
  const newest = /^## \[(\d[^\]]*)\] - \d{4}-\d\d-\d\d$/m.exec(text)?.[1]
  const version = versionIn(files)
  if (newest === version) return []
  return [{ rule: 'changelog', where: 'CHANGELOG.md', what: `its newest version is ${newest}, ${VERSION_FILE} says ${version}` }]
}

/** All packages have one version, and need exactly it of each other: they are published together. */
export function versions({ files, workspaces }: Tree): Violation[] {
  const version = versionIn(files)
  const sisters = new Set(workspaces.map(({ name }) => name))
  return workspaces.flatMap(({ folder, version: own, versionOf }) => {
    const needed = Object.entries(versionOf).filter(([name]) => sisters.has(name))
    return [['it', own] as const, ...needed]
      .filter(([, found]) => found !== version)
      .map(([name, found]) => ({
        rule: 'one version',
        where: `${folder}/package.json`,
        what: `${name} is ${found}, ${VERSION_FILE} says ${version}: node scripts/set-version.ts`,
      }))
  })
}
