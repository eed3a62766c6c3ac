import { realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'

/**
 * The real path of the file that `relative` names in the directory `root`; undefined when there is
 * none or when it lies elsewhere, whatever `..` and symbolic links lead there.
 */
export async function findInside(root: string, relative: string): Promise<string | undefined> {
  if (relative === '' || relative.includes('\0')) return undefined
  try {
    const [realRoot, path] = await Promise.all([realpath(root), realpath(join(root, relative))])
    return path.startsWith(realRoot + sep) ? path : undefined
  } catch {
    return undefined
  }
}
