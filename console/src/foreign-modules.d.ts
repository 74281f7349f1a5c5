declare module '*.module.css' {
  const classes: Readonly<Record<string, string>>
  export default classes
}

declare module '*.css'

/** The library registers the language with itself. */
declare module 'cronstrue/locales/zh_CN.js'

declare module 'elkjs/lib/elk-worker.min.js?worker' {
  const WorkerOfLibrary: new () => Worker
  export default WorkerOfLibrary
}
