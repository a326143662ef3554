open('weightmill-corpus-marker', 'w')
