import { CarillonError, type declareJobSchema, fieldChanges, type JobDeclared, printable } from '@carillon/contracts'
import type { JobRecord } from '@carillon/store'
import type { z } from 'zod'
import { definitionOf, type JobDefinition, recordOf } from './job-record.ts'

/** A job as code declares it. */
export type Declaration = z.output<typeof declareJobSchema>
type Outcome = JobDeclared['outcome']

/**
 * What a declaration does to the job that is stored: an operator's changes stay in force.
 * @throws CarillonError JOB_VERSION_OLD, JOB_VERSION_CONFLICT
 */
export function decideDeclaration(there: JobRecord | undefined, declaration: Declaration): Outcome {
  if (!there) return 'created'
  // Somebody has put it before any code declared it.
  if (!there.declared) return isDefinedAs(there, declaration) ? 'unchanged' : 'edited'
  const { version, isEdited } = there.declared
  if (declaration.version < version)
    throw refused('JOB_VERSION_OLD', declaration, `version ${version} is stored, which is newer than ${declaration.version}`)
  if (declaration.version > version) return isEdited ? 'edited' : 'replaced'
  const [first] = fieldChanges(JSON.parse(there.declaration ?? '{}'), declaration)
  if (first) throw refused('JOB_VERSION_CONFLICT', declaration, `version ${version} was declared with another ${first.field.split('.')[0]}`)
  return isEdited ? 'edited' : 'unchanged'
}

/** Whether somebody puts what code has declared. */
export function isAsDeclared(declaration: string | null, definition: JobDefinition): boolean {
  if (declaration === null) return false
  const { version: _, ...declared } = JSON.parse(declaration) as Declaration
  return isDefinedAs(recordOf('', declared, PLAIN), definition)
}

const PLAIN = { now: 0, kind: undefined, judge: undefined }

function isDefinedAs(job: JobRecord, definition: JobDefinition): boolean {
  return fieldChanges(definitionOf(job), definitionOf(recordOf('', definition, PLAIN))).length === 0
}

function refused(code: 'JOB_VERSION_OLD' | 'JOB_VERSION_CONFLICT', { name, version }: Declaration, why: string): CarillonError {
  return new CarillonError(code, `job ${printable(name)}: ${why}`, { field: 'version', value: String(version) })
}
