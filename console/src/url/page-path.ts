/** The path of a page of a namespace. @param page such as `runs`, with the search after it if there is one */
export function pagePath(namespace: string, page: string): string {
  return `/n/${encodeURIComponent(namespace)}/${page}`
}
