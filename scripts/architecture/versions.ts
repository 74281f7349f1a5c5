import type { Tree, Violation } from './rules.ts'

/** Where code, documents and tests have the version from. */
export const VERSION_FILE = 'contracts/src/version.ts'

/** All packages have one version, and need exactly it of each other: they are published together. */
export function versions({ files, workspaces }: Tree): Violation[] {
  const version = /'(.*)'/.exec(files.find(({ path }) => path === VERSION_FILE)?.lines.join('\n') ?? '')?.[1]
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
