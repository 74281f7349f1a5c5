import type { Beat, InstanceView } from '@carillon/contracts'

/** Beats that a sparkline shows. */
const MOST_BEATS = 60

/** What an executor reported, oldest first. */
export type Loads = ReadonlyMap<string, readonly Beat[]>

/** The same with a further beat. */
export function withBeat(loads: Loads, instance: string, beat: Beat): Loads {
  return new Map([...loads, [instance, [...(loads.get(instance) ?? []), beat].slice(-MOST_BEATS)]])
}

/** Points of a line through shares from 0 to 1, in a box of that size. One value is a flat line. */
export function sparkline(shares: readonly number[], { width, height }: { readonly width: number; readonly height: number }): string {
  const values = shares.length === 1 ? [...shares, ...shares] : shares
  const step = values.length > 1 ? width / (values.length - 1) : width
  return values.map((share, i) => `${round(i * step)},${round(height - 1 - Math.min(1, Math.max(0, share)) * (height - 2))}`).join(' ')
}

const round = (value: number) => Math.round(value * 10) / 10

/** Services whose instances have several versions: a roll-out under way, or one that was forgotten. */
export function versionSkew(instances: readonly Pick<InstanceView, 'service' | 'version'>[]): ReadonlyMap<string, readonly string[]> {
  const versions = new Map<string, Set<string>>()
  for (const { service, version } of instances) versions.set(service, (versions.get(service) ?? new Set()).add(version))
  return new Map([...versions].filter(([, found]) => found.size > 1).map(([service, found]) => [service, [...found].sort()]))
}
