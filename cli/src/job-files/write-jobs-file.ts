import { Document, isScalar, isSeq, visit } from 'yaml'
import type { WrittenJob } from './written-job.ts'

/** Jobs as YAML: what `jobs apply` reads. The same jobs give the same text. */
export function jobsText(jobs: readonly WrittenJob[]): string {
  // Words such as `yes` are quoted, for readers of YAML 1.1.
  const document = new Document(jobs, { version: '1.2', schema: 'core', compat: 'yaml-1.1', aliasDuplicateObjects: false })
  visit(document, {
    Pair: (_, { key }) => {
      if (isScalar(key) && key.value === '<<') key.type = 'QUOTE_DOUBLE'
    },
  })
  if (isSeq(document.contents))
    for (const [i, item] of document.contents.items.entries()) if (i > 0) (item as { spaceBefore?: boolean }).spaceBefore = true
  return document.toString({ lineWidth: 0 })
}
