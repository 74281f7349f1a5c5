import type { JobView } from '@carillon/contracts'
import { type UseMutationResult, useMutation, useQueryClient } from '@tanstack/react-query'
import { makeExactCall } from '../../api/exact-call.ts'
import { asProblem, type FieldProblem } from '../../api/problem.ts'
import { keyOf } from '../../api/use-call.ts'
import { useNamespace } from '../../url/use-namespace.ts'
import { entityTag, type JobDraft } from './job-input.ts'

/** Puts a job. @param revision of the job that was edited; undefined: a new one */
export function useSaveJob(revision: number | undefined): UseMutationResult<JobView, Error, JobDraft> {
  const namespace = useNamespace()
  const queries = useQueryClient()
  return useMutation({
    mutationFn: (draft) =>
      makeExactCall('jobsPut', draft, {
        namespace,
        headers: revision === undefined ? { 'if-none-match': '*' } : { 'if-match': entityTag(revision) },
      }),
    onSuccess: async () => {
      for (const call of ['jobsGet', 'jobsList', 'jobsHistory'] as const)
        await queries.invalidateQueries({ queryKey: keyOf(namespace, call) })
    },
  })
}

/** What is wrong with each field, by its path. */
export function problemsByField(error: Error | null): ReadonlyMap<string, string> {
  return new Map(fieldProblems(error).map(({ field, detail, hint }) => [field, hint === '' ? detail : `${detail}. ${hint}`]))
}

/** All that is wrong, also where the answer names one field alone. */
export function fieldProblems(error: Error | null): readonly FieldProblem[] {
  if (error === null) return []
  const { errors, field, detail, hint = '' } = asProblem(error).body
  const all = errors !== undefined && errors.length > 0 ? errors : field === undefined ? [] : [{ field, detail, hint }]
  // Of a part that is no acceptable JSON the path begins with the request itself.
  return all.map((problem) => ({ ...problem, field: problem.field.replace(/^request\./, '') }))
}
