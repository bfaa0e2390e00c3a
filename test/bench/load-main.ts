import { runLoad } from './load.ts'

/** The load as a process of its own: takes one `Load` a message, answers with what it measured. */
process.on('message', (load: Parameters<typeof runLoad>[0]) => {
  runLoad(load).then(
    (loaded) => process.send?.(loaded),
    (error: Error) => process.send?.({ error: error.message }),
  )
})
