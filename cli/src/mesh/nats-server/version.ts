/** The release that is downloaded or built when the machine has none. */
export const PINNED_VERSION = '2.15.2'

/** The oldest release with everything the mesh uses. */
export const MINIMUM_VERSION = '2.12.0'

/** The first `1.2.3` in a text such as `nats-server: v2.15.2`. */
export function parseVersion(text: string): string | undefined {
  return /\d+\.\d+\.\d+/.exec(text)?.[0]
}

/** Negative, zero or positive, as for `Array.sort`; both are `1.2.3`. */
export function compareVersions(left: string, right: string): number {
  const rightParts = right.split('.').map(Number)
  const differences = left.split('.').map((part, index) => Number(part) - (rightParts[index] ?? 0))
  return differences.find((difference) => difference !== 0) ?? 0
}
