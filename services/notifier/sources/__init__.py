"""What providers call back with, one file per provider: pure readers, used by the routes and by the preview alike."""
