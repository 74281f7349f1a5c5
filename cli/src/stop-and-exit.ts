import type { Mesh } from '@carillon/sdk'
import { EXIT } from './exit-code.ts'

/** Drains an executor and ends its process, for events beside the signals that the SDK listens to. */
export function stopAndExit(mesh: Mesh): void {
  mesh.stop().then(
    () => process.exit(),
    () => process.exit(EXIT.failed),
  )
}
