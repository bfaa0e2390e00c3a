import { createWorld } from './world.ts'
import { readWorldConfig } from './world-config.ts'

try {
  const world = await createWorld(readWorldConfig(process.env))
  const stop = async (): Promise<void> => {
    await world.close()
    process.exit(0)
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
  console.log(`The sandbox is up. Try: curl ${world.urls.control}`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
