import type { ServiceHealth } from '@carillon/contracts'

/** The health of a part of a service: what is wrong, or that the part is well. @param look throws what is wrong */
export async function checkPart(name: string, look: () => Promise<string>): Promise<ServiceHealth['checks'][number]> {
  return look().then(
    (message) => ({ name, ok: true, message }),
    (error: unknown) => ({ name, ok: false, message: (error as Error).message }),
  )
}
