/** Stands in for a Worker of flite that cannot load. */
throw new Error('there is no flite')
