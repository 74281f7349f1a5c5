/** `counted(2, 'run', 'runs')` is `2 runs`; numbers are grouped. */
export const counted = (count: number, one: string, many: string): string => `${grouped(count)} ${count === 1 ? one : many}`

const english = new Intl.NumberFormat('en')
export const grouped = (count: number): string => english.format(count)
