import { schemaFiles } from './wire-schemas.ts'

/** Files of docs/ that are generated as a whole, by their path. */
export function generatedFiles(): Map<string, string> {
  return new Map([...schemaFiles()].map(([name, text]) => [`docs/schemas/${name}`, text]))
}
