import { CASES } from '../../cli/dist/mesh/conformance/cases.js'
import { workflowSchemaText } from '../../cli/dist/workflow-files/workflow-schema.js'
import { COMMENTS, schemaFiles } from './wire-schemas.ts'

/** Files of docs/ that are generated as a whole, by their path. */
export function generatedFiles(): Map<string, string> {
  return new Map([
    ...[...schemaFiles()].map(([name, text]) => [`docs/schemas/${name}`, text] as const),
    ['docs/schemas/workflow.json', workflowSchemaText({ comments: COMMENTS })] as const,
    ...[...conformanceFiles()].map(([name, text]) => [`docs/conformance/${name}`, text] as const),
  ])
}

/** Conformance cases, one a line. */
function conformanceFiles(): Map<string, string> {
  const files = new Map<string, string>()
  for (const one of CASES) {
    const name = `${one.case.split('/')[0]}.jsonl`
    files.set(name, `${files.get(name) ?? ''}${JSON.stringify(one)}\n`)
  }
  return files
}
