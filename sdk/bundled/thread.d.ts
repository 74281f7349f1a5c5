/** The program of the liveness thread as one text, made by `npm run build` from `src/liveness/thread.ts` and what it imports. */
export const THREAD_PROGRAM: string
