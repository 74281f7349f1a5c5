import type { InstanceView } from '@carillon/contracts'

/** Warnings about handlers that several services offer with different input schemas, each handler once. */
export function schemaConflictTexts(instances: readonly InstanceView[]): string[] {
  const services = new Map(instances.flatMap(({ schemaConflicts = [] }) => schemaConflicts.map((one) => [one.handler, one.services])))
  return [...services].map(
    ([handler, names]) =>
      `services ${names.join(', ')} offer handler ${handler} with different input schemas: a payload that one accepts, another refuses`,
  )
}
