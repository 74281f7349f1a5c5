import type { ServiceHealth } from '@carillon/contracts'

/** A part of a service in words: what is wrong, or that it is well. @param look throws what is wrong */
export async function checkPart(name: string, look: () => Promise<string>): Promise<ServiceHealth['checks'][number]> {
  return look().then(
    (message) => ({ name, ok: true, message }),
    (error: unknown) => ({ name, ok: false, message: (error as Error).message }),
  )
}
